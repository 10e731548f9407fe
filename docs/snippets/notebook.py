# long
# --8<-- [start:frame]
import pandas as pd

import poolwise

data = pd.read_csv("banking77.csv")
kinds = ["card_arrival", "exchange_rate", "pin_blocked"]
data = data[data["category"].isin(kinds)].groupby("category").head(25)
# --8<-- [end:frame]
# --8<-- [start:sweep]
result = poolwise.sweep("demo", data=data, target="category", grid="{cls,mean}@{3,6}")
result  # in a cell of its own this shows the answer, the scores, and each question to open
# --8<-- [end:sweep]
# --8<-- [start:parts]
scores = result.scores.to_pandas()  # every readout and baseline, a row each
chart = result.charts[0]  # Jupyter draws it; chart.spec is its Vega-Lite
vectors = poolwise.load("demo").embed(data["text"], result.best)
result.report("report")  # the folder that the command line writes
# --8<-- [end:parts]
assert "<" in result._repr_html_()
assert chart.spec is not None
assert len(vectors) == len(data)
