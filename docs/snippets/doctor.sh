# long
# --8<-- [start:start]
poolwise serve demo --port 8112 &
# --8<-- [end:start]
right=$!
trap 'kill $right $wrong' EXIT
# --8<-- [start:fault]
poolwise serve demo -r cls@-1 --port 8113 &
# --8<-- [end:fault]
wrong=$!
for port in 8112 8113; do
    curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:$port/readyz
done
echo; echo "=== ask"
# --8<-- [start:ask]
poolwise doctor demo --endpoint http://127.0.0.1:8112/v1
# --8<-- [end:ask]
echo "=== wrong"
# --8<-- [start:wrong]
poolwise doctor demo --endpoint http://127.0.0.1:8113/v1 -o doctor.html || test $? = 9
# --8<-- [end:wrong]
echo "=== cost"
# --8<-- [start:cost]
poolwise doctor demo --endpoint http://127.0.0.1:8113/v1 \
    --labels banking77.csv --limit 800 || test $? = 9
# --8<-- [end:cost]
echo "=== watch"
# --8<-- [start:watch]
poolwise doctor demo --endpoint http://127.0.0.1:8112/v1 --watch demo.json
poolwise doctor demo --endpoint http://127.0.0.1:8112/v1 --watch demo.json --metrics demo.prom
# --8<-- [end:watch]
echo "=== changed"
kill $right
wait $right
poolwise serve demo -r cls@-1 --port 8112 &
right=$!
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8112/readyz
# --8<-- [start:changed]
poolwise doctor demo --endpoint http://127.0.0.1:8112/v1 --watch demo.json || test $? = 10
# --8<-- [end:changed]
kill $right
wait $right
poolwise serve demo --port 8112 &
right=$!
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8112/readyz
echo "=== compare"
# --8<-- [start:compare]
poolwise doctor demo --compare http://127.0.0.1:8112/v1 http://127.0.0.1:8113/v1 || test $? = 9
# --8<-- [end:compare]
echo "=== stored"
# --8<-- [start:stored]
head -200 novels.txt > texts.txt
poolwise embed demo texts.txt -o vectors.npy -r mean@-1 --prompt 'query: '
poolwise doctor demo --vectors vectors.npy --texts texts.txt || test $? = 9
# --8<-- [end:stored]
echo "=== folder"
# --8<-- [start:folder]
poolwise export demo -o my-model -r cls@-1
poolwise doctor demo --sentence-transformers my-model/ || test $? = 9
# --8<-- [end:folder]
