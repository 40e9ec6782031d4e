-- How much happened in each slot of time, by kind. :quarters says how many quarters of an hour make a slot.
SELECT
  CAST(floor(quarter / :quarters) AS BIGINT) AS slot,
  kind,
  reason,
  CASE
    WHEN kind = 'refused' AND code < 500 THEN 'for-now'
    WHEN kind = 'login' AND code >= 400 THEN 'failed'
    WHEN kind = 'delivered' AND inside AND program = 'local' THEN 'forwarded'
    ELSE action
  END AS action,
  coalesce(inside, FALSE) AS inside,
  tls,
  count(*) AS events,
  sum(size) AS bytes
FROM events
WHERE TRUE /*scope*/
GROUP BY 1, 2, 3, 4, 5, 6
