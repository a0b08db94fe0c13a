"""What the workers do: the jobs that `lane.py` lets them run, by these names."""

from .bulk_runs import bulk as bulk
from .drains import drain as drain
from .outgoing import drain_outgoing as drain_outgoing
from .outgoing import sweep_outgoing as sweep_outgoing
from .search_index import index as index
from .sweeps import sweep as sweep
from .sweeps import upkeep as upkeep
