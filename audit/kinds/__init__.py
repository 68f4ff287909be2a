"""What kind of suspect a row is: mislabelled, ambiguous, atypical, of low quality and so on.

Known defects are planted in copies of the data's own rows, the run's own models look at them, and a forest
learns from that what each kind looks like here; so every kind has a probability, and its error is measured.
"""
