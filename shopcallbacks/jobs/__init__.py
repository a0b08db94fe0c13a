"""What the workers do. RQ finds these by name, those too that wait in Redis since the last release."""

from .bulk_runs import bulk as bulk
from .drains import drain as drain
from .outgoing import drain_outgoing as drain_outgoing
from .outgoing import sweep_outgoing as sweep_outgoing
from .search_index import index as index
from .sweeps import scheduler as scheduler
from .sweeps import sweep as sweep
