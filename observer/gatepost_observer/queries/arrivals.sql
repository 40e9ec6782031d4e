-- Mails that came in, in each slot of time: from outside, or (ours) from our own people and the servers themselves.
SELECT
  CAST(floor(quarter / :quarters) AS BIGINT) AS slot,
  user IS NOT NULL OR client IS NULL OR FALSE /*internal*/ AS ours,
  count(*) AS mails,
  sum(recipients) AS recipients,
  sum(size) AS bytes
FROM events
WHERE kind = 'accepted' AND inside IS NOT TRUE /*scope*/
GROUP BY 1, 2
