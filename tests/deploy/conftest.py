"""The run in a container takes minutes, root and Debian: `make test-deploy` asks for it, and does not skip it."""

import os

collect_ignore = [] if os.environ.get("BELISHA_CONTAINER") else ["test_container.py"]
