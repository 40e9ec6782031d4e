-- What was refused, by what the administrator would look at: whom they wanted, from which domain, by which list.
WITH wanted AS (
  SELECT recipient, count(*) AS refused
  FROM events
  WHERE kind = 'refused' AND recipient IS NOT NULL /*scope*/
  GROUP BY recipient
),
senders AS (
  SELECT sender, count(*) AS refused
  FROM events
  WHERE kind = 'refused' AND sender IS NOT NULL /*scope*/
  GROUP BY sender
)
(SELECT 'recipients' AS board, recipient AS name, refused FROM wanted ORDER BY refused DESC, recipient LIMIT :top)
UNION ALL
(SELECT 'sender-domains' AS board, CASE WHEN sender LIKE '%@%' THEN split_part(lower(sender), '@', -1) ELSE '' END AS name,
   sum(refused) AS refused
 FROM senders GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'lists' AS board, list AS name, count(*) AS refused
 FROM events WHERE kind = 'refused' AND list IS NOT NULL /*scope*/ GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
