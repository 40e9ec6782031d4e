-- What is said rarely and matters: signatures, failed logins, warnings, starts and stops, notices.
-- Texts that differ in numbers alone are one.
SELECT
  kind,
  host,
  program,
  reason,
  action,
  code,
  CASE WHEN kind = 'login' THEN client END AS client,
  CASE WHEN kind = 'login' THEN user END AS user,
  CASE
    WHEN kind = 'warning' THEN translate(text, '0123456789', '##########')
    WHEN kind = 'signatures' THEN text
  END AS shape,
  count(*) AS events,
  min(CASE WHEN kind = 'warning' THEN text END) AS sample,
  max(time) AS last
FROM events
WHERE kind IN ('signatures', 'login', 'warning', 'started', 'notice') /*scope*/
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
ORDER BY events DESC, host, shape
LIMIT 20000
