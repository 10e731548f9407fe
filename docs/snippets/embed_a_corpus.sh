mkdir texts
split -l 1000 novels.txt texts/novel- --additional-suffix=.txt    # three files of a corpus

# --8<-- [start:embed]
poolwise embed demo 'texts/*.txt' -o vectors/ -r embedding=mean@-1 --with-text --limit 400
# --8<-- [end:embed]
# --8<-- [start:search]
poolwise search vectors/ "a storm at sea" -k 3
# --8<-- [end:search]
