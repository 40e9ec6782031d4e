-- Who sent: top envelope senders and their domains, by mails and by bytes; how many there are.
WITH each AS (
  SELECT sender, count(*) AS mails, sum(size) AS bytes
  FROM events
  WHERE kind = 'accepted' AND inside IS NOT TRUE AND sender IS NOT NULL /*scope*/
  GROUP BY sender
),
domains AS (
  SELECT CASE WHEN sender LIKE '%@%' THEN split_part(lower(sender), '@', -1) ELSE '' END AS domain,
    count(*) AS senders, sum(mails) AS mails, sum(bytes) AS bytes
  FROM each
  GROUP BY 1
)
(SELECT 'mails' AS board, sender AS name, mails, bytes FROM each ORDER BY mails DESC, sender LIMIT :top)
UNION ALL
(SELECT 'bytes' AS board, sender AS name, mails, bytes FROM each ORDER BY bytes DESC, sender LIMIT :top)
UNION ALL
(SELECT 'domains' AS board, domain AS name, mails, bytes FROM domains ORDER BY mails DESC, domain LIMIT :top)
UNION ALL
(SELECT 'many' AS board, 'senders' AS name, count(*) AS mails, sum(bytes) AS bytes FROM each)
UNION ALL
(SELECT 'many' AS board, 'domains' AS name, count(*) AS mails, sum(bytes) AS bytes FROM domains)
