-- What there was most of in the last minutes.
(SELECT 'refusals' AS board, reason AS name, count(*) AS events
 FROM events WHERE kind = 'refused' /*scope*/ GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'found' AS board, CASE WHEN reason = 'spam' THEN 'spam' ELSE reason || ' ' || coalesce(virus, attachment, '') END
   AS name, count(*) AS events
 FROM events WHERE kind = 'filtered' AND reason IN ('spam', 'virus', 'attachment') /*scope*/
 GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'refused-clients' AS board, client AS name, count(*) AS events
 FROM events WHERE kind = 'refused' AND client IS NOT NULL /*scope*/ GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'clients' AS board, client AS name, count(*) AS events
 FROM events WHERE kind = 'accepted' AND inside IS NOT TRUE AND client IS NOT NULL /*scope*/
 GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'delivered' AS board, coalesce(relay, program) AS name, count(*) AS events
 FROM events WHERE kind = 'delivered' AND inside IS NOT TRUE /*scope*/ GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'deferred' AS board, coalesce(relay, program) AS name, count(*) AS events
 FROM events WHERE kind = 'deferred' AND inside IS NOT TRUE /*scope*/ GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
