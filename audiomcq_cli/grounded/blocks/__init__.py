"""Plans balanced blocks: four clips with one question and one list of options, each option right for exactly one clip.

Everything here is a pure function of the clips of one shard. Nothing is drawn but by hashes of ids.

==========  ========================================================================================================
claims      What does a clip offer to blocks?
reading     How is that read from its captions and measurements?
surfaces    What is somebody walking on?
naming      How do events read in questions and options, and in which words is each family asked?
traits      How do two things that are said of music read together?
events      Which events does a scene state, imply or leave open?
wrong       Is the answer of one clip wrong for another?
kinship     Which answers would a listener believe beside each other?
matching    Which four clips go together, so that as many as possible find a block?
cycles      Which four clips share their sounds in a ring?
phases      Which families are clips taken for, and in which order?
writing     What are the id, the question and the options of a block?
plan        What are the groups of a shard, with an earlier plan kept, and which clips are spare?
table       How are the blocks of a shard kept for a later version?
==========  ========================================================================================================
"""
