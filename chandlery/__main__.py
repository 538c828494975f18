"""`python -m chandlery`."""

import sys

from chandlery.cli.main import main

sys.exit(main())
