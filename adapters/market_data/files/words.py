"""What vendors call the columns of bars, actions and options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

PRICES: Final = ("open", "high", "low", "close")

# Role: its spellings, the surest first; `key` has taken case, spaces and signs out of them.
_BARS: Final = """
symbol: symbol ticker sym tckr tkr tickersymbol stocksymbol instrument security ric actsymbol
    rawsymbol tradingsymbol rootsymbol underlyingsymbol underlying root tic stock code s name
    isin figi cusip permno instrumentid secid
stamp: barstart session date sessiondate day tradedate tradingdate tradingday tradeday bizdate
    businessdate datadate quotedate marketdate pricedate caldt datetime dateandtime datetimeutc
    timestamp timestamputc timestampet ts tsevent tsutc windowstart barstarttime starttime
    begintime begin begins beginsat bartime opentime gmttime localtime eventtime t dt d period
    epoch unix unixtime unixtimestamp asof asofdate index indexlevel0 dateutc candle datum zeit
    fecha
time: time timeofday tod tradetime timem minute hhmm hhmmss bartimeet timeet barminute hour
    timebarstart
open: open o op openprice priceopen pxopen openprc opening openingprice opn prcod uopen openusd
    tradeopen firstprice first firsttradeprice dayopen opentrade erffnung erstkurs erffnungskurs
    apertura
high: high h hi highprice pricehigh pxhigh askhi highest prchd uhigh highusd tradehigh max
    hightradeprice maxprice dayhigh hightrade hoch hchst tageshoch maximo
low: low l lo lowprice pricelow pxlow bidlo lowest prcld ulow lowusd tradelow min minprice
    lowtradeprice daylow lowtrade tief tiefst tagestief minimo
close: close c closeprice priceclose pxlast pxclose closelast closing closingprice prc prccd
    uclose closeusd tradeclose last lastprice lasttradeprice price settle settlement cl dayclose
    closetrade schluss schlusskurs cierre cours
volume: volume vol v tradevolume totalvolume volumetraded volumeshares sharevolume shares
    sharestraded shstraded shs shrs tradedvolume pxvolume cshtrd uvolume volumeusd qty quantity
    dayvolume size accvolume cumvolume volumen stck umsatz
tick_volume: tickvol tickvolume
adjusted_open: adjopen adjustedopen openadj openadjusted
adjusted_high: adjhigh adjustedhigh highadj highadjusted
adjusted_low: adjlow adjustedlow lowadj lowadjusted
adjusted_close: adjclose adjustedclose closeadj closeadjusted adjustedclosing adjustedcloseprice
    adjcloseprice adjustedprice adjprice
adjusted_volume: adjvolume adjustedvolume volumeadj volumeadjusted adjvol
unadjusted_close: closeunadj unadjustedclose closeunadjusted rawclose
price_divisor: cfacpr ajexdi dlycfacpr cumfacpr
split_ratio: splitratio splitfactor stocksplits stocksplit splits split splitcoefficient
    splitadjustmentfactor
dividend: exdividend dividends dividend divcash cashdividend dividendamount dividendcash div
"""
_ACTIONS: Final = """
symbol: symbol ticker sym tckr tkr tickersymbol stocksymbol instrument security ric actsymbol
    rawsymbol tradingsymbol rootsymbol underlyingsymbol underlying root tic stock code s name
    isin figi cusip permno instrumentid secid
stamp: exdate exdt disexdt exdividenddate exdivdate executiondate effectivedate effectiveon
    actiondate exday
    barstart session date sessiondate day tradedate tradingdate tradingday tradeday bizdate
    businessdate datadate quotedate marketdate pricedate caldt datetime dateandtime datetimeutc
    timestamp timestamputc timestampet ts tsevent tsutc windowstart barstarttime starttime
    begintime begin begins beginsat bartime opentime gmttime localtime eventtime t dt d period
    epoch unix unixtime unixtimestamp asof asofdate index indexlevel0 dateutc candle
kind: kind type action actiontype event eventtype catype corporateaction corporateactiontype
    subtype category
ratio: ratio splitratio splitfactor stocksplits stocksplit splits split factor splitcoefficient
    adjustmentfactor
shares_added: facpr disfacpr
ratio_to: splitto newrate toratio numerator tofactor newshares splitnumerator forfactor
ratio_from: splitfrom oldrate fromratio denominator fromfactor oldshares splitdenominator
amount: amount divamt disdivamt cashamount exdividend dividends dividend divcash cashdividend
    dividendamount value rate cash grossamount amountusd div
announced: announced announcedat announcementdate declarationdate declareddate declared knownat
    announcedon declaredate
new_symbol: newsymbol newticker tosymbol toticker successor
"""
_OPTIONS: Final = """
symbol: underlying underlyingsymbol underlyingticker actsymbol stocksymbol symbol ticker root
    rootsymbol stock sym
contract: contract contractsymbol optionsymbol contractid contractname occsymbol occ option
    optioncontract optionticker optionid osi
stamp: session quotedate datadate tradedate date day quotereaddate quotedatetime datetime
    timestamp quoteunixtime asof asofdate snapshotdate ts tsevent t
expiry: expiry expiration expirationdate exdate expiredate expdate expirdate expirydate maturity
    maturitydate lasttradingdate
strike: strike strikeprice k strk exerciseprice
right: right type optiontype putcall callput cpflag cp pc putcallindicator callorput optright
    side putorcall contracttype
bid: bid bestbid bideod bidprice bid1545 bidpx closebid bidclose
ask: ask bestoffer askeod askprice ask1545 offer bestask askpx closeask askclose offerprice
last: last lastprice close mark lasttrade closeprice price lastsale lasttradeprice
volume: volume vol tradevolume contractvolume totalvolume
open_interest: openinterest oi openint
underlying_price: underlyingprice underlyingclose spot spotprice stockprice undlprice
    underlyinglast underlyingprice1545 activeunderlyingprice1545 impliedunderlyingprice1545
    forwardprice stkpx s0 closeunderlying underlyingcloseprice
underlying_bid: underlyingbid underlyingbideod underlyingbid1545 stockbid undlbid
underlying_ask: underlyingask underlyingaskeod underlyingask1545 stockask undlask
implied_volatility: impliedvolatility implvolatility iv impliedvol ivol impvol
    impliedvolatility1545 midiv volatility sigma
"""

# Words that stand beside what a column of bars is called and change nothing: ClosePrc, shr_vol.
_BESIDE_WORDS: Final = """
bar consolidated daily day eq equity official prc prce price px reg regular session share shares
shr shrs shs stock the total trade traded trading usd
"""
_BESIDE: Final = frozenset(_BESIDE_WORDS.split())
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# What the person may call our columns in a mapping, besides the roles themselves.
_OURS: Final = {
    "session": "stamp", "date": "stamp", "bar_start": "stamp", "timestamp": "stamp",
    "datetime": "stamp", "ex_date": "stamp", "ticker": "symbol", "underlying": "symbol",
    "adj_close": "adjusted_close", "expiration": "expiry", "option_type": "right",
    "type": "kind",
}  # fmt: skip


def _table(text: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for entry in re.split(r"\n(?=\w)", text.strip()):
        role, _, spellings = entry.partition(":")
        found[role] = tuple(spellings.split())
    return found


ROLES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "daily": _table(_BARS),
    "minute": _table(_BARS),
    "index": _table(_BARS),
    "actions": _table(_ACTIONS),
    "options": _table(_OPTIONS),
}
_KNOWN: Final = frozenset(
    word for roles in ROLES.values() for words in roles.values() for word in words
)


def key(name: str) -> str:
    """Return a column's name without case, signs and numbering: '5. adjusted close' as adjclose."""
    bare = re.sub(r"^\s*[\[<(]?\d+[.)]\s+", "", name.strip())
    bare = re.sub(r"[^a-z0-9]", "", bare.lower())
    return re.sub(r"^unnamed\d*$", "", bare)


def is_known(name: str) -> bool:
    """Whether any vendor is known to call a column so."""
    return key(name) in _KNOWN


def role_of(ours: str) -> str:
    """Return the role that a person means by `ours` in a mapping."""
    spelled = ours.strip().lower().replace("-", "_").replace(" ", "_")
    return _OURS.get(spelled, spelled)


def recognise(
    names: Sequence[str], *, kind: str, declared: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return the file's columns that can play each role, the likeliest first.

    `declared` maps roles to columns and goes before everything recognised.
    """
    taken = set(declared.values())
    found: dict[str, tuple[str, ...]] = {r: (column,) for r, column in declared.items()}
    keys = {name: key(name) for name in names if name not in taken}
    # Polygon tells its ticker from its time by case alone; in Alpaca's stream T is a type.
    if {"T", "t"} <= keys.keys() and not set(ROLES[kind]["symbol"]) & set(keys.values()):
        keys["T"] = "ticker"
    for role, spellings in ROLES[kind].items():
        if role not in found:
            fitting = [name for spelling in spellings for name in keys if keys[name] == spelling]
            if fitting:
                found[role] = tuple(fitting)
    if kind in {"daily", "minute", "index"}:
        found |= _by_their_words(names, kind=kind, found=found)
    return found


def _by_their_words(
    names: Sequence[str], *, kind: str, found: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return columns for roles that nobody plays, by what is left of unknown names."""
    taken = {name for fitting in found.values() for name in fitting}
    bare = {
        name: "".join(w for w in _WORD.findall(name) if w.lower() not in _BESIDE).lower()
        for name in names
        if name not in taken and not is_known(name)
    }
    return {
        role: fitting
        for role, spellings in ROLES[kind].items()
        if role not in found
        and (fitting := tuple(n for s in spellings if len(s) > 1 for n in bare if bare[n] == s))
    }


def named(columns: Iterable[str]) -> str:
    """Return column names for a message, at most twenty."""
    listed = list(columns)
    more = f" and {len(listed) - 20} more" if len(listed) > 20 else ""
    return (", ".join(listed[:20]) or "none") + more
