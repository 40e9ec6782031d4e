-- Why mail was put off or given up. Texts that differ in numbers or in the address in angle brackets are one reason.
SELECT
  kind,
  program,
  reason,
  code,
  status,
  CASE
    WHEN text LIKE '%<%>%'
    THEN translate(split_part(text, '<', 1) || '<…>' || split_part(text, '>', 2), '0123456789', '##########')
    ELSE translate(text, '0123456789', '##########')
  END AS shape,
  count(*) AS events,
  min(text) AS sample
FROM events
WHERE kind IN ('deferred', 'returned') AND inside IS NOT TRUE /*scope*/
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY events DESC, sample
LIMIT 1000
