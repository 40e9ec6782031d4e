-- What the filter found: viruses and attachments by name, spam by the sender's and the recipient's domain; and which of
-- SpamAssassin's rules for the entries of the lists were hit (they are called after the entry's number).
WITH found AS (
  SELECT reason, virus, attachment, sender, recipient
  FROM events
  WHERE kind = 'filtered' AND reason IN ('spam', 'virus', 'attachment') /*scope*/
)
(SELECT 'viruses' AS board, virus AS name, count(*) AS mails
 FROM found WHERE reason = 'virus' GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'attachments' AS board, attachment AS name, count(*) AS mails
 FROM found WHERE reason = 'attachment' GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'spam-from' AS board, CASE WHEN sender LIKE '%@%' THEN split_part(lower(sender), '@', -1) ELSE '' END AS name,
   count(*) AS mails
 FROM found WHERE reason = 'spam' AND sender IS NOT NULL GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'spam-to' AS board, recipient AS name, count(*) AS mails
 FROM found WHERE reason = 'spam' AND recipient IS NOT NULL GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'viruses-to' AS board, recipient AS name, count(*) AS mails
 FROM found WHERE reason = 'virus' AND recipient IS NOT NULL GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT :top)
UNION ALL
(SELECT 'rules' AS board,
   split_part(split_part('GATEPOST_' || split_part(tests, 'GATEPOST_', 2), ',', 1), '=', 1) AS name, count(*) AS mails
 FROM events WHERE kind = 'filtered' AND tests LIKE '%GATEPOST_%' /*scope*/ GROUP BY 2)
