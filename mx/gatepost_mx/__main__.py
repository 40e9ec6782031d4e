"""The one file's way in: `gatepost-mx …`, or `python -m gatepost_mx …` in a checkout."""

import sys

from gatepost_mx.cli import main

sys.exit(main())
