import json

ROWS = 10**9
RATES = {"exact": 105, "fast": 179}  # rows a second on one core; measure yours
CORES, WORKERS, STOPS = 64, 64, 10
SECONDS_A_DAY = 86_400

numbers = []


def note(name, value, **where):
    numbers.append({"name": name, "value": value, "where": where})


note("rows", ROWS)
for precision, rate in RATES.items():
    core_days = ROWS / rate / SECONDS_A_DAY
    note("rows a second and core", rate, precision=precision)
    note("core-days", core_days, precision=precision)
    note(f"days on {CORES} cores", core_days / CORES, precision=precision)

for dtype, size in {"float32": 1536, "float16": 768, "int8": 384, "binary": 48}.items():
    note("bytes of a vector", size, dtype=dtype)
    note("TB of all vectors", ROWS * size / 1e12, dtype=dtype)
    note("GB of all vectors", ROWS * size / 1e9, dtype=dtype)
    note("MB of a part of 100,000 rows", 100_000 * size / 1e6, dtype=dtype)

for part_rows in (100_000, 20_000):
    lost = STOPS * WORKERS * part_rows / 2  # on average half of a part for each worker
    note("parts", ROWS / part_rows, part_rows=part_rows)
    note("files", 3 * ROWS / part_rows, part_rows=part_rows)  # a part, its sidecar, rejected rows
    note("rows computed twice", lost, part_rows=part_rows)
    note("rows computed twice, of all", lost / ROWS, part_rows=part_rows)
    note("seconds a part", part_rows / RATES["fast"], part_rows=part_rows)

print(json.dumps({"question": "What do 10^9 rows take?", "numbers": numbers}, indent=1))
