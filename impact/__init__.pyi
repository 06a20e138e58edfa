# The public names, loaded when first used. A question is a function that returns an Answer.

from .answers.answer import Answer as Answer
from .answers.brief import bottom_line as bottom_line
from .answers.claims import attribution as attribution
from .answers.claims import conflicts as conflicts
from .answers.comparisons import compare as compare
from .answers.comparisons import decisions as decisions
from .answers.comparisons import under as under
from .answers.differences import news as news
from .answers.differences import waterfall as waterfall
from .answers.duties import duties as duties
from .answers.evidence import indicators as indicators
from .answers.evidence import sources as sources
from .answers.evidence import timeline as timeline
from .answers.exposure import exposure as exposure
from .answers.forecast import forecast as forecast
from .answers.forecast import score as score
from .answers.losses import losses as losses
from .answers.scan import scan as scan
from .answers.scan import systems as systems
from .answers.statements import statements as statements
from .answers.suppliers import suppliers as suppliers
from .answers.tails import exceedance as exceedance
from .answers.tails import next_year as next_year
from .answers.unknowns import unknowns as unknowns
from .answers.why import why as why
from .board.panel import explore as explore
from .case.folder import Case as Case
from .case.folder import load_case as load_case
from .case.views import view as view
from .simulation import Run as Run
from .simulation import simulate as simulate
from .simulation import simulate_year as simulate_year
from .simulation import what_if as what_if

__version__: str
__all__: list[str]

def __dir__() -> list[str]: ...
