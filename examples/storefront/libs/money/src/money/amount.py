"""An amount with its currency."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import total_ordering
from typing import Any, Iterable, Sequence, Tuple, Union

from money.currency import Currency, currency
from money.rounding import Rounding

#: What an amount can be made of. Floats are refused: ``0.1`` is not a tenth.
Number = Union[int, str, Decimal]


class CurrencyMismatch(TypeError):
    """Two amounts of different currencies met where only one currency makes sense."""

    def __init__(self, left: Currency, right: Currency) -> None:
        super().__init__(f"{left} and {right} are different currencies: exchange one of them first")
        self.left = left
        self.right = right


def _decimal(number: Number) -> Decimal:
    if isinstance(number, bool) or not isinstance(number, (int, str, Decimal)):
        raise TypeError(f"{number!r} is no exact number: give an int, a str or a Decimal")
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise ValueError(f"{number!r} is no number") from None
    if not value.is_finite():
        raise ValueError(f"{number!r} is no amount")
    return value


@total_ordering
class Money:
    """An immutable, exact amount of one currency.

    Arithmetic keeps every digit; only :meth:`rounded`, :meth:`split` and :meth:`allocate` give payable amounts.
    """

    __slots__ = ("_amount", "_currency")

    _amount: Decimal
    _currency: Currency

    def __init__(self, amount: Number, code: Union[str, Currency]) -> None:
        object.__setattr__(self, "_amount", _decimal(amount))
        object.__setattr__(self, "_currency", currency(code))

    @classmethod
    def zero(cls, code: Union[str, Currency]) -> Money:
        """Nothing, of a currency."""
        return cls(0, code)

    @classmethod
    def sum(cls, amounts: Iterable[Money], code: Union[str, Currency]) -> Money:
        """The sum of amounts of a currency; zero if there are none."""
        total = cls.zero(code)
        for amount in amounts:
            total = total + amount
        return total

    @property
    def amount(self) -> Decimal:
        """The number."""
        return self._amount

    @property
    def currency(self) -> Currency:
        """The currency."""
        return self._currency

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an amount of money does not change: make a new one")

    def __repr__(self) -> str:
        return f"Money({str(self._amount)!r}, {self._currency.code!r})"

    def __str__(self) -> str:
        return f"{self._amount} {self._currency}"

    def __hash__(self) -> int:
        return hash((self._amount, self._currency.code))

    def __bool__(self) -> bool:
        return bool(self._amount)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self._currency == other._currency and self._amount == other._amount

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self._amount < self._same(other)

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return self._new(self._amount + self._same(other))

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return self._new(self._amount - self._same(other))

    def __mul__(self, factor: Number) -> Money:
        if isinstance(factor, Money):
            raise TypeError("two amounts of money have no product")
        return self._new(self._amount * _decimal(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Number) -> Money:
        if isinstance(divisor, Money):
            raise TypeError("use `ratio` for the ratio of two amounts")
        return self._new(self._amount / _decimal(divisor))

    def __neg__(self) -> Money:
        return self._new(-self._amount)

    def __abs__(self) -> Money:
        return self._new(abs(self._amount))

    def ratio(self, other: Money) -> Decimal:
        """How many times ``other`` this is."""
        return self._amount / self._same(other)

    def percent(self, percentage: Number) -> Money:
        """A percentage of this amount, with every digit."""
        return self._new(self._amount * _decimal(percentage) / 100)

    def rounded(self, mode: Rounding = Rounding.HALF_EVEN, unit: Union[Number, None] = None) -> Money:
        """The nearest amount that can be paid; ``unit`` is the smallest coin, that of the currency by default."""
        smallest = self._currency.unit if unit is None else _decimal(unit)
        return self._new(mode.apply(self._amount, smallest))

    def is_payable(self) -> bool:
        """Whether the amount is a whole number of the currency's smallest coins."""
        return self._amount % self._currency.unit == 0

    def split(self, parts: int) -> Tuple[Money, ...]:
        """Equal payable parts, as equal as coins allow: the sum is this amount, the first parts get the rest."""
        if parts < 1:
            raise ValueError("an amount is split into one part or more")
        return self.allocate([1] * parts)

    def allocate(self, weights: Sequence[Number]) -> Tuple[Money, ...]:
        """Payable parts in proportion to weights, whose sum is this amount to the cent.

        What rounding leaves goes, a coin at a time, to the parts that lost most by it; the first one wins a tie.
        """
        shares = [_decimal(weight) for weight in weights]
        if not shares or any(share < 0 for share in shares) or not sum(shares):
            raise ValueError("weights are not negative, and one of them is more than zero")
        if not self.is_payable():
            raise ValueError(f"{self} cannot be paid in coins: round it first")
        unit = self._currency.unit
        coins = int(self._amount / unit)
        total = sum(shares, Decimal(0))
        exact = [coins * share / total for share in shares]
        given = [int(share.to_integral_value(rounding="ROUND_DOWN")) for share in exact]
        sign = -1 if coins < 0 else 1
        rest = abs(coins - sum(given))
        losers = sorted(range(len(shares)), key=lambda place: -abs(exact[place] - given[place]))
        for place in losers[:rest]:
            given[place] += sign
        return tuple(self._new(number * unit) for number in given)

    def _same(self, other: Money) -> Decimal:
        if self._currency != other._currency:
            raise CurrencyMismatch(self._currency, other._currency)
        return other._amount

    def _new(self, amount: Decimal) -> Money:
        return Money(amount, self._currency)
