"""Which readout made these vectors?"""
