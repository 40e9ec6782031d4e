-- To whom: top recipients by mails and by bytes, and the domains they are in with deferrals and delays.
WITH each AS (
  SELECT
    recipient,
    count(*) FILTER (WHERE kind = 'delivered') AS mails,
    sum(CASE WHEN kind = 'delivered' THEN size END) AS bytes,
    count(*) FILTER (WHERE kind = 'deferred') AS deferred,
    count(*) FILTER (WHERE kind = 'returned') AS returned,
    sum(CASE WHEN kind = 'delivered' THEN delay END) AS delay,
    max(CASE WHEN kind = 'delivered' THEN delay END) AS slowest
  FROM events
  WHERE kind IN ('delivered', 'deferred', 'returned') AND inside IS NOT TRUE AND recipient IS NOT NULL /*scope*/
  GROUP BY recipient
),
domains AS (
  SELECT split_part(lower(recipient), '@', -1) AS domain, count(*) AS recipients, sum(mails) AS mails,
    sum(bytes) AS bytes, sum(deferred) AS deferred, sum(returned) AS returned, sum(delay) AS delay, max(slowest) AS slowest
  FROM each
  GROUP BY 1
)
(SELECT 'mails' AS board, recipient AS name, 1 AS many, mails, bytes, deferred, returned, delay, slowest
 FROM each WHERE mails > 0 ORDER BY mails DESC, recipient LIMIT :top)
UNION ALL
(SELECT 'bytes' AS board, recipient AS name, 1 AS many, mails, bytes, deferred, returned, delay, slowest
 FROM each WHERE mails > 0 ORDER BY bytes DESC, recipient LIMIT :top)
UNION ALL
(SELECT 'domains' AS board, domain AS name, recipients AS many, mails, bytes, deferred, returned, delay, slowest
 FROM domains ORDER BY mails DESC, deferred DESC, domain LIMIT :top)
UNION ALL
(SELECT CASE WHEN domain IN (:own) THEN 'ours' ELSE 'elsewhere' END AS board, 'recipients' AS name,
   sum(recipients) AS many, sum(mails) AS mails, sum(bytes) AS bytes, sum(deferred) AS deferred,
   sum(returned) AS returned, sum(delay) AS delay, max(slowest) AS slowest
 FROM domains GROUP BY 1)
UNION ALL
(SELECT 'many' AS board, 'domains' AS name, count(*) AS many, sum(mails) AS mails, sum(bytes) AS bytes,
   sum(deferred) AS deferred, sum(returned) AS returned, sum(delay) AS delay, max(slowest) AS slowest
 FROM domains WHERE mails > 0)
UNION ALL
(SELECT 'many' AS board, 'recipients' AS name, count(*) AS many, sum(mails) AS mails, sum(bytes) AS bytes,
   sum(deferred) AS deferred, sum(returned) AS returned, sum(delay) AS delay, max(slowest) AS slowest
 FROM each WHERE mails > 0)
