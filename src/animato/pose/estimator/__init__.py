"""Poses read off pictures and videos."""
