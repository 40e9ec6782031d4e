-- From where: networks (IPv4 /24; IPv6 addresses are folded to /64 by the reader of the answer).
WITH each AS (
  SELECT
    client,
    count(*) FILTER (WHERE kind = 'accepted') AS accepted,
    count(*) FILTER (WHERE kind = 'refused') AS refused,
    count(*) FILTER (WHERE kind = 'filtered' AND reason = 'spam') AS spam,
    count(*) FILTER (WHERE kind = 'filtered' AND reason = 'virus') AS viruses
  FROM events
  WHERE kind IN ('accepted', 'refused', 'filtered') AND client IS NOT NULL
    AND (kind = 'refused' OR (kind = 'accepted' AND inside IS NOT TRUE) OR reason IN ('spam', 'virus')) /*scope*/
  GROUP BY client
)
SELECT
  CASE
    WHEN client LIKE '%:%' THEN client
    ELSE split_part(client, '.', 1) || '.' || split_part(client, '.', 2) || '.' || split_part(client, '.', 3) || '.0'
  END AS network,
  count(*) AS clients,
  sum(accepted) AS accepted,
  sum(refused) AS refused,
  sum(spam) AS spam,
  sum(viruses) AS viruses
FROM each
GROUP BY 1
