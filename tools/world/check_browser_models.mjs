// Loads the exported models with transformers.js alone: scores two captions, then captions a picture.
// node tools/world/check_browser_models.mjs <models folder> <picture.png>
import { AutoProcessor, AutoTokenizer, CLIPTextModelWithProjection, CLIPVisionModelWithProjection, LlavaForConditionalGeneration, RawImage, env } from '@huggingface/transformers';

const [models, picture] = process.argv.slice(2);
if (!models || !picture) {
  console.error('usage: node tools/world/check_browser_models.mjs <models folder> <picture.png>');
  process.exit(2);
}
env.allowRemoteModels = false;
env.localModelPath = models;
const options = { dtype: 'fp32' };
const image = await RawImage.read(picture);

const tokenizer = await AutoTokenizer.from_pretrained('emoji-clip');
const clipProcessor = await AutoProcessor.from_pretrained('emoji-clip');
const textModel = await CLIPTextModelWithProjection.from_pretrained('emoji-clip', options);
const visionModel = await CLIPVisionModelWithProjection.from_pretrained('emoji-clip', options);

const processor = await AutoProcessor.from_pretrained('emoji-llava');
const llava = await LlavaForConditionalGeneration.from_pretrained('emoji-llava', options);
const messages = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Describe this image.' }] }];
const prompt = processor.apply_chat_template(messages, { add_generation_prompt: true });
const inputs = await processor(image, prompt);
const output = await llava.generate({ ...inputs, max_new_tokens: 96 });
const caption = processor.batch_decode(output.slice(null, [inputs.input_ids.dims.at(-1), null]), { skip_special_tokens: true })[0].trim();
console.log(caption);

const texts = [caption, 'There is nothing in this picture.'];
const { text_embeds: textEmbeds } = await textModel(tokenizer(texts, { padding: true, truncation: true }));
const { image_embeds: imageEmbeds } = await visionModel(await clipProcessor(image));
const [z] = imageEmbeds.tolist();
textEmbeds.tolist().forEach((row, i) => console.log((100 * row.reduce((sum, value, d) => sum + value * z[d], 0)).toFixed(2), texts[i]));
