import { describe, expect, test } from 'vitest'
import { isGenericQuestion, statementOf, stripQuestion } from '../../src/method/statements.ts'

describe('a question and its answer make a statement', () => {
  test.each([
    ['What color is the car?', 'red', 'the car is red'],
    ['What colour are the dogs in this image?', 'Brown.', 'the dogs are brown'],
    ['What color hat is the man wearing?', 'blue', 'the man is wearing a blue hat'],
    ['Is there a dog in the image?', 'Yes', 'there is a dog'],
    ['Is there a dog in the image?', 'No.', 'there is no dog'],
    ['Are there any cats on the sofa?', 'no', 'there are no cats on the sofa'],
    ['Can you see a boat in the picture?', 'Yes, there is a boat.', 'there is a boat'],
    ['How many dogs are there in the picture?', 'two', 'there are two dogs'],
    ['How many dogs are there?', 'one', 'there is one dog'],
    ['How many snowmen are on the left?', 'Three', 'three snowmen are on the left'],
    ['How many boxes are visible?', '1', 'there is 1 box'],
    ['How many legs does the chair have?', 'three', 'the chair has three legs'],
    ['Where is the cat?', 'on the sofa', 'the cat is on the sofa'],
    ['Where are the birds sitting?', 'On a branch.', 'the birds are sitting on a branch'],
    ['What is to the left of the ball?', 'the dog', 'the dog is to the left of the ball'],
    ['What is on the table?', 'a cup', 'a cup is on the table'],
    ['What is the man holding?', 'an umbrella', 'the man is holding an umbrella'],
    ['What is the woman looking at?', 'the sea', 'the woman is looking at the sea'],
    ['What is the dog doing?', 'running', 'the dog is running'],
    ['What is the boy doing on the beach?', 'flying a kite', 'the boy is flying a kite on the beach'],
    ['Who is holding the ball?', 'a girl', 'a girl is holding the ball'],
    ['Who wears a hat?', 'the man', 'the man wears a hat'],
    ['What does the sign say?', 'STOP', 'the sign says STOP'],
    ['What kind of animal is on the left?', 'a dog', 'the animal on the left is a dog'],
    ['What type of vehicle is this?', 'a bus', 'there is a bus'],
    ['What kind of hat is the man wearing?', 'a top hat', 'the man is wearing a top hat'],
    ['Which animal is behind the fence?', 'a horse', 'a horse is behind the fence'],
    ['What is the weather?', 'sunny', 'the weather is sunny'],
    ['Is the car red?', 'yes', 'the car is red'],
    ['Is the car red?', 'No', 'the car is not red'],
    ['Is the red car parked near a house?', 'yes', 'the red car is parked near a house'],
    ['Are the dogs to the left of the tree in this image?', 'yes', 'the dogs are to the left of the tree'],
    ['Is the car red or blue?', 'blue', 'the car is blue'],
    ['Does the man wear a hat?', 'yes', 'the man wears a hat'],
    ['Is the man a doctor?', 'no', 'the man is not a doctor'],
    ['What color socks is she wearing?', 'white', 'she is wearing white socks'],
    ['Do the dogs run?', 'no', 'the dogs do not run'],
    ['What color is the car?', 'The car is red.', 'the car is red'],
    ['Could you tell me what color is the bus in the picture?', 'green', 'the bus is green'],
    ['Name the animal.', 'dog', 'name the animal dog'],
  ])('%s + %s', (question, answer, statement) => {
    expect(statementOf(question, answer)).toBe(statement)
  })

  test('of questions that name the picture nothing of it stays', () => {
    expect(stripQuestion('According to the image, is the dog shown in the picture black?')).toBe(
      'is the dog black',
    )
  })
})

describe('a generic question', () => {
  test.each([
    'What is in the image?',
    'What can you see in this image?',
    'What is happening in the picture?',
    'What objects are in the photo?',
    'How many objects are there?',
    'Describe the image.',
    'What is this?',
    'What is the main subject of the image?',
    'Is there anything in the picture?',
  ])('is %s', (question) => {
    expect(isGenericQuestion(question)).toBe(true)
  })

  test.each([
    'What is on the table?',
    'What color is the car?',
    'How many dogs are there in the image?',
    'Is there a dog in the image?',
    'What is the man doing?',
    'Is the car red in this image?',
  ])('is not %s', (question) => {
    expect(isGenericQuestion(question)).toBe(false)
  })
})
