"""Numbers with intervals: streaming moments, exact ridge, correlations, curves, resampling.

Everything is float64. A statistic that is undefined is an ``Estimate`` without a value and with a
note that says why, never NaN.
"""
