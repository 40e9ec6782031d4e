-- The next hops: what they took, what they put off or refused, and how long it took from our door to theirs.
SELECT
  coalesce(relay, program) AS hop,
  count(*) FILTER (WHERE kind = 'delivered') AS delivered,
  sum(CASE WHEN kind = 'delivered' THEN size END) AS bytes,
  count(*) FILTER (WHERE kind = 'deferred') AS deferred,
  count(*) FILTER (WHERE kind = 'returned') AS returned,
  count(*) FILTER (WHERE kind = 'delivered' AND tls IS NOT NULL) AS secure,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN kind = 'delivered' THEN delay END) AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY CASE WHEN kind = 'delivered' THEN delay END) AS p95,
  percentile_cont(0.99) WITHIN GROUP (ORDER BY CASE WHEN kind = 'delivered' THEN delay END) AS p99,
  max(CASE WHEN kind = 'delivered' THEN delay END) AS slowest
FROM events
WHERE kind IN ('delivered', 'deferred', 'returned') AND inside IS NOT TRUE /*scope*/
GROUP BY 1
ORDER BY delivered DESC, deferred DESC, hop
LIMIT :top
