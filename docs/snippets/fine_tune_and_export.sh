# long
# --8<-- [start:tune]
poolwise tune demo --labels banking77.csv --n 1000 --seeds 3 -o tuned
# --8<-- [end:tune]
# --8<-- [start:predict]
echo "I think somebody has my card" | poolwise predict tuned/checkpoints/mean@-1 -
poolwise predict tuned/checkpoints/mean@-1 banking77.csv --limit 500 -o labels.parquet
# --8<-- [end:predict]
# --8<-- [start:export]
poolwise export demo -r cls@4 -o cls4
# --8<-- [end:export]
# --8<-- [start:tuned]
poolwise export tuned/checkpoints/mean@-1 -o tuned-export
# --8<-- [end:tuned]
# --8<-- [start:onnx]
poolwise export demo -r 'mean@concat(2,-1)|l2' --format onnx -o graph
# --8<-- [end:onnx]
# --8<-- [start:quantize]
poolwise export demo --format onnx --quantize --check novels.txt -o small
# --8<-- [end:quantize]
