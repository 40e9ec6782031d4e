-- What happened in each second: for the rates of the last minutes.
SELECT date_trunc('second', time) AS second, kind, reason, coalesce(inside, FALSE) AS inside, count(*) AS events
FROM events
WHERE kind IN ('accepted', 'delivered', 'refused', 'deferred', 'returned', 'filtered') /*scope*/
GROUP BY 1, 2, 3, 4
