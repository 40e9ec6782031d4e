-- What hit an entry of the block list. `value` is what the entry can have named: a client, an address, a HELO, a line.
SELECT
  reason,
  CASE reason
    WHEN 'blocked-client' THEN client
    WHEN 'blocked-sender' THEN sender
    WHEN 'blocked-recipient' THEN recipient
    WHEN 'blocked-helo' THEN helo
    ELSE text
  END AS value,
  count(*) AS events,
  max(time) AS last
FROM events
WHERE kind = 'refused'
  AND reason IN ('blocked-client', 'blocked-sender', 'blocked-recipient', 'blocked-helo', 'blocked-term') /*scope*/
GROUP BY 1, 2
