"""Room of radiomics."""
