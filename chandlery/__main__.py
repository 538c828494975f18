"""`python -m chandlery`."""

import sys

from chandlery.main import main

sys.exit(main())
