"""How an amount becomes one that can be paid."""

from __future__ import annotations

import decimal
import enum
from decimal import Decimal


class Rounding(enum.Enum):
    """A rounding mode, by the name that bookkeepers use for it."""

    #: Halves go to the even neighbour: the errors of many amounts cancel out.
    HALF_EVEN = decimal.ROUND_HALF_EVEN
    #: Halves go away from zero: what people expect on a bill.
    HALF_UP = decimal.ROUND_HALF_UP
    #: Towards zero: a discount is never larger than announced.
    DOWN = decimal.ROUND_DOWN
    #: Away from zero.
    UP = decimal.ROUND_UP
    #: Towards minus infinity.
    FLOOR = decimal.ROUND_FLOOR
    #: Towards plus infinity.
    CEILING = decimal.ROUND_CEILING

    def apply(self, value: Decimal, unit: Decimal) -> Decimal:
        """The multiple of ``unit`` next to ``value``."""
        if unit <= 0:
            raise ValueError(f"a unit is positive, not {unit}")
        steps = (value / unit).quantize(Decimal(1), rounding=self.value)
        return steps * unit
