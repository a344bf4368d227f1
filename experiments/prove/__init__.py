"""`make prove`: a million small random instances against an oracle that shares nothing with us."""
