-- From when to when there are events, and from which hosts.
SELECT host, count(*) AS events, min(time) AS first, max(time) AS last
FROM events
WHERE TRUE /*scope*/
GROUP BY host
ORDER BY host
