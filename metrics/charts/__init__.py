"""Charts: drawn on the server from typed data, each with its table, its links and its files.

    chart = lines(name="mrr", title=_("MRR by month"), steps=months, series=[Series(_("MRR"), values)], unit="money")

`chart.svg` is safe inline under the strict policy and follows light and dark; the template is `metrics/_chart.html`.
"""

from metrics.charts.bar_charts import bars, histogram, ranking, tornado, waterfall
from metrics.charts.chart import Cell, Chart, Series, Step
from metrics.charts.grids import Dot, heat_map, scatter
from metrics.charts.line_charts import lines
from metrics.charts.units import say

__all__ = ["Cell", "Chart", "Dot", "Series", "Step", "bars", "heat_map", "histogram", "lines", "ranking", "say", "scatter", "tornado", "waterfall"]
