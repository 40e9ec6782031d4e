-- Every domain that sent or got mail, the busiest first: to find what a mistyped one was meant to be.
SELECT domain, count(*) AS events
FROM (
  SELECT split_part(lower(coalesce(recipient, sender)), '@', -1) AS domain
  FROM events
  WHERE coalesce(recipient, sender) LIKE '%@%' /*scope*/
) AS named
GROUP BY domain
ORDER BY events DESC, domain
LIMIT 5000
