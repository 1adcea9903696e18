"""The verbs, one file each; dispatch, which runs them; and the loop from event to rule to job."""
