"""The report: figures out of events, and the shapes they are told in.

`figures.gathered` asks an engine and gives the figures as plain data (what `--json` prints); `sections` arranges them;
`terminal`, `page` and `mail` show the sections. Nothing but these three decides how anything looks.
"""
