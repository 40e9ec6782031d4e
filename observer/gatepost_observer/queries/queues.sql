-- What was taken into a queue and has not left it: an estimate, since the log does not tell of what lay there before.
SELECT host, instance, count(*) AS mails
FROM (
  SELECT host, instance, queue_id FROM events WHERE kind = 'accepted' AND queue_id IS NOT NULL /*scope*/
  EXCEPT
  SELECT host, instance, queue_id FROM events WHERE kind = 'closed' /*scope*/
) AS waiting
GROUP BY host, instance
ORDER BY mails DESC, host, instance
