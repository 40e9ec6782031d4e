-- What is said rarely and matters: why mail was put off or given up, signatures, failed logins, warnings, starts,
-- lock-outs.
-- Texts that differ in numbers, or in the address in angle brackets, are one.
SELECT
  kind,
  CASE WHEN kind IN ('signatures', 'started', 'lock-out') THEN host END AS host,
  program,
  reason,
  action,
  code,
  status,
  CASE WHEN kind IN ('login', 'lock-out') THEN client END AS client,
  CASE WHEN kind = 'login' THEN user END AS user,
  CASE
    WHEN kind = 'signatures' THEN text
    WHEN kind IN ('deferred', 'returned') AND text LIKE '%<%>%'
    THEN translate(split_part(text, '<', 1) || '<…>' || split_part(text, '>', 2), '0123456789', '##########')
    WHEN kind IN ('deferred', 'returned', 'warning') THEN translate(text, '0123456789', '##########')
  END AS shape,
  count(*) AS events,
  min(CASE WHEN kind IN ('deferred', 'returned', 'warning') THEN text END) AS sample,
  max(time) AS last
FROM events
WHERE kind IN ('deferred', 'returned', 'signatures', 'login', 'warning', 'started', 'lock-out') /*scope*/
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
ORDER BY events DESC, kind, host, shape
LIMIT 20000
