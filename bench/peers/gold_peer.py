"""Peers of gold: `resample FILE polars|pandas` prints the seconds of three runs; `indicators FOLDER` prints ns per value by library and indicator, the best of five runs."""
import json
import sys
import time


def best(call, times):
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return seconds


def resample(path, engine):
    sums = ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "trade_count"]
    if engine == "polars":
        import polars as pl

        def call():
            (
                pl.scan_parquet(path)
                .group_by("symbol", pl.col("open_time").dt.truncate("1h"))
                .agg(
                    pl.col("open").first(),
                    pl.col("high").max(),
                    pl.col("low").min(),
                    pl.col("close").last(),
                    *[pl.col(name).sum() for name in sums],
                    pl.len().alias("held"),
                )
                .sort("symbol", "open_time")
                .collect(engine="streaming")
            )

    else:
        import pandas as pd

        def call():
            frame = pd.read_parquet(path)
            how = {"open": "first", "high": "max", "low": "min", "close": "last", **{name: "sum" for name in sums}}
            frame.groupby(["symbol", frame["open_time"].dt.floor("1h")]).agg(how)

    return best(call, 3)


def indicators(folder):
    import numpy as np
    import pandas as pd
    import pandas_ta_classic as pta
    import talib
    import tulipy

    o, h, l, c, v = (np.fromfile(f"{folder}/{name}.f64") for name in ["open", "high", "low", "close", "volume"])
    frame = pd.DataFrame({"open": o, "high": h, "low": l, "close": c, "volume": v})
    frame.index = pd.date_range("2024-01-01", periods=len(c), freq="min")
    typical = lambda: (h + l + c) / 3
    libraries = {
        "TA-Lib": {
            "sma": lambda: talib.SMA(c, 20),
            "ema": lambda: talib.EMA(c, 20),
            "rsi": lambda: talib.RSI(c, 14),
            "macd": lambda: talib.MACD(c, 12, 26, 9),
            "bollinger": lambda: talib.BBANDS(c, 20, 2.0, 2.0),
            "atr": lambda: talib.ATR(h, l, c, 14),
            "rolling_vwap": lambda: talib.SUM(talib.TYPPRICE(h, l, c) * v, 20) / talib.SUM(v, 20),
            "wma": lambda: talib.WMA(c, 20),
            "adx": lambda: talib.ADX(h, l, c, 14),
            "stochastic": lambda: talib.STOCH(h, l, c, 5, 3, 0, 3, 0),
            "obv": lambda: talib.OBV(c, v),
            "mfi": lambda: talib.MFI(h, l, c, v, 14),
        },
        "tulipy": {
            "sma": lambda: tulipy.sma(c, 20),
            "ema": lambda: tulipy.ema(c, 20),
            "rsi": lambda: tulipy.rsi(c, 14),
            "macd": lambda: tulipy.macd(c, 12, 26, 9),
            "bollinger": lambda: tulipy.bbands(c, 20, 2),
            "atr": lambda: tulipy.atr(h, l, c, 14),
            "wma": lambda: tulipy.wma(c, 20),
            "adx": lambda: tulipy.adx(h, l, c, 14),
            "stochastic": lambda: tulipy.stoch(h, l, c, 5, 3, 3),
            "obv": lambda: tulipy.obv(c, v),
            "mfi": lambda: tulipy.mfi(h, l, c, v, 14),
        },
        "pandas-ta-classic": {
            "sma": lambda: pta.sma(frame["close"], 20, talib=False),
            "ema": lambda: pta.ema(frame["close"], 20, talib=False),
            "rsi": lambda: pta.rsi(frame["close"], 14, talib=False),
            "macd": lambda: pta.macd(frame["close"], 12, 26, 9, talib=False),
            "bollinger": lambda: pta.bbands(frame["close"], 20, 2, talib=False),
            "atr": lambda: pta.atr(frame["high"], frame["low"], frame["close"], 14, talib=False),
            "rolling_vwap": lambda: pta.vwma((frame["high"] + frame["low"] + frame["close"]) / 3, frame["volume"], 20),
            "wma": lambda: pta.wma(frame["close"], 20, talib=False),
            "adx": lambda: pta.adx(frame["high"], frame["low"], frame["close"], 14, talib=False),
            "stochastic": lambda: pta.stoch(frame["high"], frame["low"], frame["close"], 5, 3, 3, talib=False),
            "obv": lambda: pta.obv(frame["close"], frame["volume"], talib=False),
            "mfi": lambda: pta.mfi(frame["high"], frame["low"], frame["close"], frame["volume"], 14, talib=False),
        },
    }
    return {
        library: {name: min(best(call, 5 if library != "pandas-ta-classic" else 2)) * 1e9 / len(c) for name, call in calls.items()}
        for library, calls in libraries.items()
    }


print(json.dumps(resample(sys.argv[2], sys.argv[3]) if sys.argv[1] == "resample" else indicators(sys.argv[2])))
