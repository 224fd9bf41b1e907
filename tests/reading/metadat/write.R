# Writes the tables of this folder: Rscript write.R, with R and the package metadat at hand.
# R is only the tool that wrote the files; neither the package nor its tests call it.
library(metadat)

# Data sets with one group a row: the columns of the events and of the patients.
single <- list(
  baker2009 = c("exac", "total"), debruin2009 = c("xi", "ni"), dogliotti2014 = c("stroke", "total"),
  dong2013 = c("death", "randomized"), gurusamy2011 = c("death", "n"), hannum2020 = c("xi", "ni"),
  hasselblad1998 = c("xi", "ni"), obrien2003 = c("cases", "total"), pagliaro1992 = c("xi", "ni"),
  pritz1997 = c("xi", "ni"), woods2010 = c("r", "N")
)
quoted <- function(x) paste0('"', x, '"')
entries <- character(0)
for (name in names(single)) {
  table <- as.data.frame(get(paste0("dat.", name)))
  columns <- single[[name]]
  write.csv(table, paste0(name, ".csv"))
  write.csv(table, paste0(name, "_plain.csv"), row.names = FALSE)
  write.csv2(table, paste0(name, "_csv2.csv"))
  write.table(table, paste0(name, "_table.txt"))
  write.table(table, paste0(name, "_tabs.txt"), sep = "\t", row.names = FALSE, quote = FALSE)
  entries <- c(entries, sprintf(
    '  %s: {"events": [%s], "n": [%s], "columns": [%s]}', quoted(name),
    paste(table[[columns[1]]], collapse = ", "), paste(table[[columns[2]]], collapse = ", "),
    paste(quoted(columns), collapse = ", ")
  ))
}
writeLines(c("{", paste(entries, collapse = ",\n"), "}"), "expected.json")

# All other data sets of at most 12,000 letters: two groups, correlations, effects, means.
for (item in sub(" .*", "", data(package = "metadat")$results[, "Item"])) {
  name <- sub("dat.", "", item, fixed = TRUE)
  table <- get(item)
  if (!is.data.frame(table) || name %in% names(single)) next
  file <- file.path("others", paste0(name, ".csv"))
  write.csv(table, file)
  if (file.size(file) > 12000 && name != "lopez2019") unlink(file)
}
