"""What a clip sounds like, found out here and without a model of language: probe, measurements, speech, transcript."""
