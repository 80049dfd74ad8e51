"""`python -m posegan`, for where the `posegan` script is not on the path."""

import sys

from posegan.cli import main

sys.exit(main())
