"""What others say of the bars in argv[1] (JSON: series, cases), written to argv[2] (JSON: for each case its columns, null where there is no value): TA-Lib where it has the indicator, numpy elsewhere."""
import json
import sys

import numpy as np
import talib as T


def rolling(values, period, of):
    out = np.full(len(values), np.nan)
    for at in range(period - 1, len(values)):
        out[at] = of(values[at - period + 1 : at + 1])
    return out


def supertrend(s, period, width):
    atr = T.ATR(s["high"], s["low"], s["close"], period)
    middle = (s["high"] + s["low"]) / 2
    up, down = middle + width * atr, middle - width * atr
    band, way = np.full(len(up), np.nan), np.full(len(up), np.nan)
    top = bottom = None
    side = -1
    for at in range(period, len(up)):
        if top is None:
            top, bottom = up[at], down[at]
        else:
            top = up[at] if up[at] < top or s["close"][at - 1] > top else top
            bottom = down[at] if down[at] > bottom or s["close"][at - 1] < bottom else bottom
        if side < 0 and s["close"][at] > top:
            side = 1
        elif side > 0 and s["close"][at] < bottom:
            side = -1
        band[at], way[at] = (bottom if side > 0 else top), side
    return [band, way]


def ichimoku(s, tenkan, kijun, span, displacement):
    middle = lambda period: (T.MAX(s["high"], period) + T.MIN(s["low"], period)) / 2
    first, second, third = middle(tenkan), middle(kijun), middle(span)
    ahead = lambda values: np.concatenate([np.full(displacement - 1, np.nan), values])[: len(values)]
    columns = [first, second, ahead((first + second) / 2), ahead(third)]
    empty = np.isnan(columns[3])
    return [np.where(empty, np.nan, column) for column in columns]


def keltner(s, period, range_, width):
    middle, distance = T.EMA(s["close"], period), width * T.ATR(s["high"], s["low"], s["close"], range_)
    return [middle + distance, np.where(np.isnan(distance), np.nan, middle), middle - distance]


def mfi(s, period):
    # TA-Lib compares typical prices after a division, so that equal ones can differ; here they are compared as whole numbers of 1e-8.
    price = sum(np.rint(s[name] * 1e8).astype(np.int64) for name in ("high", "low", "close"))
    flow = np.sign(np.diff(price)) * (s["high"] + s["low"] + s["close"])[1:] / 3 * s["volume"][1:]
    share = lambda w: 0.0 if np.abs(w).sum() < 1 else 100 * w[w > 0].sum() / np.abs(w).sum()
    return [np.concatenate([[np.nan], rolling(flow, period, share)])]


def session_vwap(s, key):
    typical = (s["high"] + s["low"] + s["close"]) / 3
    out = np.empty(len(typical))
    worth = amount = 0.0
    before = None
    for at in range(len(typical)):
        if key[at] != before:
            worth = amount = 0.0
            before = key[at]
        worth += typical[at] * s["volume"][at]
        amount += s["volume"][at]
        out[at] = worth / amount if amount > 0 else np.nan
    return out


def yang_zhang(s, period, year):
    o, h, l, c = s["open"], s["high"], s["low"], s["close"]
    step = np.concatenate([[np.nan], np.log(o[1:] / c[:-1])])
    move = np.log(c / o)
    range_ = np.log(h / o) * np.log(h / c) + np.log(l / o) * np.log(l / c)
    k = 0.34 / (1.34 + (period + 1) / (period - 1))
    var = lambda values: rolling(values, period, lambda window: window.var(ddof=1))
    out = np.sqrt(year * (var(step) + k * var(move) + (1 - k) * rolling(range_, period, np.mean)))
    return out


def candle(s):
    o, h, l, c = s["open"], s["high"], s["low"], s["close"]
    return [h - l, c - o, 100 * (c - o) / o, abs(c - o), h - np.maximum(o, c), np.minimum(o, c) - l, 100 * (h - l) / o, np.sign(c - o)]


def log_returns(s):
    return np.concatenate([[np.nan], np.log(s["close"][1:] / s["close"][:-1])])


def rolling_vwap(s, n):
    typical = (s["high"] + s["low"] + s["close"]) / 3
    return rolling(typical * s["volume"], n, np.sum) / rolling(s["volume"], n, np.sum)


ORACLES = {
    "sma": lambda s, period: [T.SMA(s["close"], period)],
    "ema": lambda s, period, seed=0: [T.EMA(s["close"], period)],
    "wma": lambda s, period: [T.WMA(s["close"], period)],
    "dema": lambda s, period: [T.DEMA(s["close"], period)],
    "tema": lambda s, period: [T.TEMA(s["close"], period)],
    "kama": lambda s, period, **_: [T.KAMA(s["close"], period)],
    "rsi": lambda s, period: [T.RSI(s["close"], period)],
    "macd": lambda s, fast, slow, signal: list(T.MACD(s["close"], fast, slow, signal)),
    "bollinger": lambda s, period, width: list(T.BBANDS(s["close"], period, float(width), float(width))),
    "atr": lambda s, period: [T.ATR(s["high"], s["low"], s["close"], period)],
    "natr": lambda s, period: [T.NATR(s["high"], s["low"], s["close"], period)],
    "plus_di": lambda s, period: [T.PLUS_DI(s["high"], s["low"], s["close"], period)],
    "minus_di": lambda s, period: [T.MINUS_DI(s["high"], s["low"], s["close"], period)],
    "dx": lambda s, period: [T.DX(s["high"], s["low"], s["close"], period)],
    "adx": lambda s, period: [T.ADX(s["high"], s["low"], s["close"], period)],
    "adxr": lambda s, period: [T.ADXR(s["high"], s["low"], s["close"], period)],
    "stochastic": lambda s, period, k, d: list(T.STOCH(s["high"], s["low"], s["close"], period, k, 0, d, 0)),
    "stoch_rsi": lambda s, period, k, d: list(T.STOCHRSI(s["close"], period, k, d, 0)),
    "cci": lambda s, period: [T.CCI(s["high"], s["low"], s["close"], period)],
    "mfi": mfi,
    "obv": lambda s: [T.OBV(s["close"], s["volume"])],
    "williams_r": lambda s, period: [T.WILLR(s["high"], s["low"], s["close"], period)],
    "roc": lambda s, period: [T.ROC(s["close"], period)],
    "momentum": lambda s, period: [T.MOM(s["close"], period)],
    "psar": lambda s, step, most: [T.SAR(s["high"], s["low"], step, most)],
    # TA-Lib's own sums lose up to a part in a billion of it.
    "correlation": lambda s, period: [
        np.array([np.nan] * (period - 1) + [np.nan_to_num(np.corrcoef(s["close"][at : at + period], s["benchmark"][at : at + period])[0, 1]) for at in range(len(s["close"]) - period + 1)])
    ],
    "beta": lambda s, period: [T.BETA(s["benchmark"], s["close"], period)],
    "donchian": lambda s, period: [T.MAX(s["high"], period), (T.MAX(s["high"], period) + T.MIN(s["low"], period)) / 2, T.MIN(s["low"], period)],
    "vwap": lambda s: [session_vwap(s, s["time"] // 86_400_000_000)],
    "anchored_vwap": lambda s, anchor: [np.where(s["time"] < anchor * 1e6, np.nan, session_vwap(s, s["time"] >= anchor * 1e6))],
    "rolling_vwap": lambda s, period: [rolling_vwap(s, period)],
    "exact_vwap": lambda s: [s["quote_volume"] / s["volume"]],
    "ichimoku": ichimoku,
    "keltner": lambda s, period, range, width: keltner(s, period, range, width),
    "supertrend": supertrend,
    "realised_volatility": lambda s, period, year: [rolling(log_returns(s), period, lambda w: w.std(ddof=1)) * year**0.5],
    "parkinson": lambda s, period, year: [np.sqrt(year * rolling(np.log(s["high"] / s["low"]) ** 2, period, np.mean) / (4 * np.log(2)))],
    "garman_klass": lambda s, period, year: [
        np.sqrt(year * rolling(0.5 * np.log(s["high"] / s["low"]) ** 2 - (2 * np.log(2) - 1) * np.log(s["close"] / s["open"]) ** 2, period, np.mean))
    ],
    "yang_zhang": lambda s, period, year: [yang_zhang(s, period, year)],
    "zscore": lambda s, period: [(s["close"] - rolling(s["close"], period, np.mean)) / rolling(s["close"], period, np.std)],
    "candle": candle,
}

with open(sys.argv[1]) as file:
    given = json.load(file)
series = [{name: np.array(column, dtype=float) for name, column in one.items()} for one in given["series"]]
answers = []
for case in given["cases"]:
    with np.errstate(all="ignore"):
        columns = ORACLES[case["id"]](series[case["series"]], **case["parameters"])
    answers.append([[None if np.isnan(value) else float(value) for value in column] for column in columns])
with open(sys.argv[2], "w") as file:
    json.dump(answers, file)
