"""Who can get there: questions over the roads as they are now. One question a module; `roads_now` is what all of them read."""
