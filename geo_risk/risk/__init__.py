"""Hazard, exposure, vulnerability and coping: measures, scores, assessment, explanation."""
