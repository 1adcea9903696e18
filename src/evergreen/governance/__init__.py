"""Who may do what. Roles and approvals come later: one owner, on this machine, may do all."""
