"""Puts right who a learner is: UCIs corrected, merged and split, learners moved to another centre, each by an order of
staff."""
