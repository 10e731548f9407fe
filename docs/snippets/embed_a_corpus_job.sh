# long
mkdir texts
split -l 1000 novels.txt texts/novel- --additional-suffix=.txt
# --8<-- [start:workers]
poolwise embed demo 'texts/*.txt' -o vectors/ -r embedding=mean@-1 --workers 2 --part-rows 500
# --8<-- [end:workers]
# --8<-- [start:resume]
poolwise embed demo 'texts/*.txt' -o vectors/ -r embedding=mean@-1 --workers 2 --part-rows 500 --resume
# --8<-- [end:resume]
# --8<-- [start:update]
tail -100 novels.txt | sed 's/$/ So it was./' > texts/novel-new.txt
poolwise embed demo 'texts/*.txt' -o vectors/ -r embedding=mean@-1 --workers 2 --part-rows 500 --update
# --8<-- [end:update]
# --8<-- [start:verify]
poolwise verify vectors/
# --8<-- [end:verify]
# --8<-- [start:shards]
poolwise embed demo 'texts/*.txt' -o shared/ --part-rows 500 --shard 1/2    # on one machine
poolwise embed demo 'texts/*.txt' -o shared/ --part-rows 500 --shard 2/2    # on another
# --8<-- [end:shards]
# --8<-- [start:file]
poolwise embed demo novels.txt -o vectors.parquet --limit 500
poolwise embed demo banking77.csv -o questions.parquet --keep category --limit 500
head -500 novels.txt | poolwise embed demo - -o vectors.npy
# --8<-- [end:file]
# --8<-- [start:index]
poolwise embed demo 'texts/*.txt' -o indexed/ -r embedding=mean@-1 --limit 500 --to faiss:novels.faiss
# --8<-- [end:index]
